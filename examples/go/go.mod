module tenant-api-example

go 1.19
