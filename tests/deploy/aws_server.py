"""Runs commands of the AWS CLI without starting Python for each of them: it loads the CLI once and forks per command.

    aws_server.py SOCKET

`bin/aws` sends the arguments, the environment, the working directory and the standard streams of a command over the
socket, and receives its exit code. The code that runs is the CLI's own, so a command behaves as if it were started.
"""

import array
import os
import signal
import socket
import sys
import traceback

import awscli.clidriver

LARGEST_MESSAGE = 200_000  # bytes; below the default buffer size of a socket
SERVICES = (
    "apigateway", "cloudformation", "cloudwatch", "dynamodb", "ecr", "events", "iam", "kms", "lambda", "logs", "s3",
    "secretsmanager", "sns", "sqs", "ssm", "sts", "wafv2",
)  # fmt: skip


def load_cli():
    """The CLI with the models of the services in memory, which takes it longest to load."""
    driver = awscli.clidriver.create_clidriver()
    driver._get_command_table()
    for service in SERVICES:
        driver.session.create_client(
            service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
        )
    return driver


def run(driver, connection):
    message, ancillary, _, _ = connection.recvmsg(LARGEST_MESSAGE, socket.CMSG_SPACE(3 * 4))
    streams = array.array("i")
    for _, _, data in ancillary:
        streams.frombytes(data)
    directory, count, *rest = message.split(b"\0")
    arguments, environment = rest[: int(count)], rest[int(count) :]
    os.chdir(directory)
    os.environ.clear()
    os.environb.update(variable.split(b"=", 1) for variable in environment)
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
        os.close(stream)
    try:
        status = driver.main([os.fsdecode(argument) for argument in arguments])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 255
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send(str(status).encode())


def main(path):
    driver = load_cli()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel collects the children
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                run(driver, connection)
            finally:
                os._exit(0)
        connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
