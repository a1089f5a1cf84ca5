"""The word list finds what it is for, and nothing else."""

import unittest

from check import apply_exceptions, check_text, read_exceptions


def found(line):
    return [finding.word.lower() for finding in check_text("file.rs", line)]


class WordList(unittest.TestCase):
    def test_words_of_prose_are_found(self):
        for line, word in [
            ("The answer of the store.", "answer"),
            ("It ANSWERED late.", "answered"),
            ("The client is told so.", "told"),
            ("A rule that judges the item.", "judges"),
            ("Mending it takes a write.", "mending"),
            ("Whoever calls this", "whoever"),
            ("what stands in the table", "stands"),
            ("The request was refused.", "refused"),
            ("a refusal", "refusal"),
            ("an ill store", "ill"),
            ("text that is no number", "is no"),
            ("a digest that is none", "is none"),
            ("the segment that it keeps for itself", "keeps for itself"),
            ("It looks at the clock.", "looks at"),
        ]:
            with self.subTest(line=line):
                assert found(line) == [word]

    def test_words_of_names_are_found(self):
        for line, word in [
            ("let proxy_answer = 1;", "answer"),
            ("struct ProxyAnswer;", "answer"),
            ("fn a_digest_that_is_none_is_a_400() {", "_is_none_"),
            ("fn text_that_is_no_number() {", "is no"),
            ("store.of_tenant(&tenant)", "of_tenant"),
            ("enum Refused {", "refused"),
        ]:
            with self.subTest(line=line):
                assert len(found(line)) == 1
                assert word in found(line)[0]

    def test_file_name_is_checked(self):
        findings = list(check_text("src/refusal.rs", ""))
        assert [(finding.word, finding.number) for finding in findings] == [("refusal", 0)]

    def test_other_uses_are_not_found(self):
        for line in [
            "io::ErrorKind::ConnectionRefused",
            "Connection refused (os error 111)",
            "ECONNREFUSED",
            "if value.is_none() {",
            ".filter(Option::is_none)",
            "if value is None:",
            "There is no such item.",
            "It is no longer there.",
            "amended, recommended, I'll, skill, standing, stand-in",
        ]:
            with self.subTest(line=line):
                assert found(line) == []

    def test_exception_covers_its_line_alone(self):
        exceptions = read_exceptions(
            '[[allowed]]\npath = "docs/*.md"\nline = "curl: .* refused"\nreason = "curl\'s own words"'
        )
        findings = list(check_text("docs/a.md", "curl: request refused\nrequest refused"))
        findings += check_text("src/a.rs", "curl: request refused")
        left = apply_exceptions(findings, exceptions)
        assert [(finding.path, finding.number) for finding in left] == [("docs/a.md", 2), ("src/a.rs", 1)]
        assert exceptions[0].is_used

    def test_exception_without_a_reason_is_rejected(self):
        for entry in ('path = "a"\nline = "b"\nreason = ""', 'path = "a"\nline = "b"'):
            # Without pytest, so that the stage `scripts` needs nothing but Python.
            with self.subTest(entry=entry), self.assertRaises(SystemExit):  # noqa: PT027
                read_exceptions(f"[[allowed]]\n{entry}")


if __name__ == "__main__":
    unittest.main()
