from __future__ import annotations

from tally.kernel.memory import Memory


def test_what_was_put_is_remembered() -> None:
    memory: Memory[str, int] = Memory(2)
    memory.put("a", 1)
    memory.put("a", 2)

    assert (memory.get("a"), memory.get("b")) == (2, None)


def test_the_oldest_entry_makes_room_for_a_new_one() -> None:
    memory: Memory[str, int] = Memory(2)
    for key in ("a", "b", "a", "c"):
        memory.put(key, 1)

    assert [memory.get(key) for key in ("a", "b", "c")] == [1, None, 1]
