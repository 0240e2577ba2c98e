"""Random conditions that load: numbers, texts, lists and truth, each where it belongs (though values may surprise)."""

from __future__ import annotations

from hypothesis import strategies as st

PATHS = st.sampled_from(["payload.a", "payload.a.b", "payload.n", "payload.text"])
NUMBERS = (
    st.integers(-9, 99) | st.floats(-5, 5) | st.sampled_from(["10", " 3 "]) | st.builds(lambda name: {"var": name}, PATHS | st.just("bits"))
)
WORDS = st.sampled_from(["command", "text", "args", "user.role", "user.name", "live", "type"])
TEXTS = st.sampled_from(["", "a", "!x", "ann", "vip"]) | st.builds(lambda name: {"var": name}, PATHS | WORDS)
LISTS = st.builds(lambda name: {"var": name}, PATHS | st.sampled_from(["user.tags", "user.roles", "live"])) | st.lists(
    st.integers(0, 5), max_size=4
)
MOMENTS = st.sampled_from(["2026-05-01T12:00:00Z", "1999-01-01T00:00:00Z", {"var": "now"}, {"var": "timestamp"}, {"var": "payload.a"}])
ITEM = st.sampled_from([{"var": ""}, {"var": "b"}, {"var": 0}, {"var": ["n", 1]}])


def _op(names: str, *args: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(lambda op, given: {op: list(given)}, st.sampled_from(names.split()), st.tuples(*args))


def _truth(inner: st.SearchStrategy) -> st.SearchStrategy:
    several = st.lists(inner, min_size=1, max_size=4)
    return st.one_of(
        st.builds(lambda op, given: {op: given}, st.sampled_from(["and", "or", "if"]), several),
        _op("! !!", inner),
        _op("== != === !==", inner, inner),
        _op("?:", inner, inner, inner),
        _op("some all none filter", LISTS, inner.map(inside)),
    )


def inside(tree):
    """``tree`` with the variables of a loop's element in place of the message's."""
    if isinstance(tree, dict):
        return {key: "b" if key == "var" else inside(value) for key, value in tree.items()}
    return [inside(item) for item in tree] if isinstance(tree, list) else tree


def _values(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(_op("+ - * / % max min", inner, NUMBERS), _op("+ -", inner))


COUNTS = st.recursive(NUMBERS, _values, max_leaves=4)
PHRASES = st.recursive(
    TEXTS, lambda inner: _op("cat", inner, inner) | _op("substr", inner, st.integers(-3, 3), st.integers(-3, 3)), max_leaves=4
)
LEAVES = st.one_of(
    _op("< <= > >=", COUNTS, COUNTS),
    _op("< <=", COUNTS, COUNTS, COUNTS),
    _op("== != === !==", COUNTS | PHRASES, COUNTS | PHRASES | LISTS),
    _op("ci_eq text_contains", PHRASES, PHRASES),
    _op("in", PHRASES, LISTS | PHRASES),
    _op("role_at_least", PHRASES, st.sampled_from(["viewer", "vip", "broadcaster"])),
    _op("re_test", PHRASES, st.sampled_from(["^!", r"\w+$", "a|b"]), st.sampled_from(["", "i"])),
    _op("before after", MOMENTS, MOMENTS),
    _op("within", MOMENTS, st.sampled_from(["5m", "1d"])),
    _op("within", MOMENTS, MOMENTS.filter(lambda m: isinstance(m, dict)), MOMENTS),
    _op("has_role has_reply has_annotation slip_complete", st.sampled_from(["vip", "a"])),
    _op("missing", PATHS, PATHS),
    _op("merge", LISTS, LISTS),
    _op("map", LISTS, _op("+ * cat", ITEM, ITEM)),
    st.builds(
        lambda source, body, start: {"reduce": [source, body, start]},
        LISTS,
        _op("+ cat", st.just({"var": "current"}), st.just({"var": "accumulator"})),
        st.integers(0, 3),
    ),
)
CONDITIONS = st.recursive(LEAVES, _truth, max_leaves=6)
