"""What looks like a name somebody gave, and what of a name is left."""

from __future__ import annotations

import pytest

from heapsleuth.heap import redact_names as names
from heapsleuth.heap.redact_heads import RemovedHead
from heapsleuth.heap.redact_placeholders import Placeholders, is_placeholder, new_key


@pytest.mark.parametrize("text", ["a", "_cache", "$el", "#heap", "get size", "set size", "straße", "utf16le"])
def test_names_of_fields_are_believed(text: str) -> None:
    assert names.is_property_name(text)


@pytest.mark.parametrize(
    "text", ["", "a b", "alice@example.com", "1st", "a-b", "get ", "#", "x" * 101, "/a", "a\n"]
)
def test_what_cannot_stand_in_code_is_no_field(text: str) -> None:
    assert not names.is_property_name(text)


@pytest.mark.parametrize(
    "text", ["sk_live_4eC39HqLyjW", "user12345", "deadbeefdeadbeef", "u8f3k2p9x1", "k" * 65]
)
def test_tokens_and_numbers_are_told_from_words(text: str) -> None:
    assert names.looks_random(text)


@pytest.mark.parametrize(
    "text", ["sha256", "base64Encoded", "http2Session", "ERR_HTTP_400", "x509Certificate"]
)
def test_words_with_a_few_digits_are_words(text: str) -> None:
    assert not names.looks_random(text)


@pytest.mark.parametrize(
    "text",
    ["onRequest", "get size", "Module._extensions..js", "exports.load", "<anonymous>", "[Symbol.iterator]",
     "get [Symbol.species]", "bound emit", "a" * 100,
     "#private", "Foo.<computed>", "(anonymous)", "<static_initializer>"],
)  # fmt: skip
def test_names_of_functions_are_believed(text: str) -> None:
    assert names.is_function_name(text)


@pytest.mark.parametrize(
    "text", ["alice@example.com", "GET /users?id=1", "on 'x'", "a" * 101, "\n", "a" * 90 + "!"]
)
def test_other_texts_are_no_functions(text: str) -> None:
    assert not names.is_function_name(text)


@pytest.mark.parametrize(
    "text",
    ["Session", "Intl.DateTimeFormat", "Array Iterator", "Async-from-Sync Iterator", "system / Context",
     "global (global*)", "Detached Window", "RegExp String Iterator", "system / Context / scope @123"],
)  # fmt: skip
def test_names_of_classes_are_believed(text: str) -> None:
    assert names.is_class_name(text)


@pytest.mark.parametrize("text", ["alice@example.com", "my secret phrase", "Session;DROP", "a" * 101])
def test_other_texts_are_no_classes(text: str) -> None:
    assert not names.is_class_name(text)


@pytest.mark.parametrize(
    "text", ["system / Map (ExternalString)", "(GC roots)", "12 / ArrayFromAsync", "Node / std::basic_string"]
)
def test_names_of_v8_are_believed(text: str) -> None:
    assert names.is_engine_name(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/srv/app/server.js", "/srv/app/server.js"),
        ("C:\\app\\server.js", "C:\\app\\server.js"),
        ("/srv/node_modules/@scope/a@1.2.3/index.js", "/srv/node_modules/@scope/a@1.2.3/index.js"),
        ("file:///srv/a%20b/main.mjs", "file:///srv/a%20b/main.mjs"),
        ("node:internal/process", "node:internal/process"),
        ("evalmachine.<anonymous>", "evalmachine.<anonymous>"),
        ("[eval]-wrapper", "[eval]-wrapper"),
        ("https://u:pw@host/app.js", "https://host/app.js"),
        ("https://host/app.js?key=1#x", "https://host/app.js?(key=1#x)"),
        ("file:///srv/main.mjs?update=17", "file:///srv/main.mjs?(update=17)"),
        ("/srv/app.js#secret", "/srv/app.js?(secret)"),
        ("data:text/javascript;charset=utf-8;base64,c2VjcmV0", "data:text/javascript;charset=utf-8;base64,"),
        ("data:text/javascript,const a = 'secret'", "data:text/javascript,"),
        ("data:secret words", "data:secret"),
        ("alice@example.com", None),
        ("a secret sentence", None),
        ("/a\nsecret", None),
        ("/" + "a" * 3000, None),
    ],
)  # fmt: skip
def test_of_a_script_its_place_is_left(text: str, left: str | None) -> None:
    assert names.clean_script_name(text, lambda inner: f"({inner})", marked=False) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("app.js.map", "app.js.map"),
        ("https://u:pw@host/app.js.map?key=1", "https://host/app.js.map"),
        ("data:application/json;base64,eyJzZWNyZXQi", "data:application/json;base64,"),
        ("a secret", None),
    ],
)
def test_of_a_source_map_its_place_is_left(text: str, left: str | None) -> None:
    assert names.clean_map_url(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<symbol kItems>", "<symbol kItems>"),
        ("<symbol Symbol.iterator>", "<symbol Symbol.iterator>"),
        ("<symbol >", "<symbol >"),
        ("<symbol unheardOf>", "<symbol (unheardOf)>"),
        ("<symbol a secret>", "<symbol (a secret)>"),
        ("kItems", None),
    ],
)
def test_of_a_symbol_what_code_knows_is_left(text: str, left: str | None) -> None:
    known = {"kItems", "a secret"}.__contains__
    assert names.clean_symbol(text, known, lambda inner: f"({inner})", marked=False) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [('<div id="a" class="b">', "<div>"), ("Detached <a href='x>y'>", "Detached <a>"), ("Window", None)],
)
def test_of_an_element_its_tag_is_left(text: str, left: str | None) -> None:
    assert names.clean_dom_name(text) == left


def test_a_placeholder_depends_on_text_and_key() -> None:
    one, other = Placeholders(new_key()), Placeholders(new_key())

    assert one.of(b"a") == one.of(b"a")
    assert len({one.of(b"a"), one.of(b"b"), other.of(b"a")}) == 3
    assert is_placeholder(one.of(b"").decode())
    assert not is_placeholder("removed-" + "A" * 13)


@pytest.mark.parametrize(
    ("string_bytes", "text", "fits"),
    [
        (24, "const a;", True),
        (24, "const a", True),  # rounded up to 8
        (24, "const answer = 42;", False),
        (20, "const a;", True),  # compressed pointers
        (32, "const ж;", True),
        (48, "\U0001d4b3" * 8, True),
        (None, "const a;", False),
    ],
)
def test_a_removed_text_is_known_by_its_size(string_bytes: int | None, text: str, fits: bool) -> None:
    assert RemovedHead(string_bytes).fits(text) is fits
