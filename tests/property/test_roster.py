"""Rosters compared part by part say what comparing every screen says."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from avtech_controller.publication import ReleasedScreen
from avtech_controller.publication._released import read_roster, spell_roster
from avtech_controller.roster import Part, Roster, differing
from avtech_schema.identifiers import ByteSize, ClientId, CommitId, ScreenId, Sha256

Fleet = dict[ScreenId, ReleasedScreen]

_NAMES = [ScreenId(f"SCR-{number}") for number in range(12)]
_CLIENTS = [ClientId(f"CLI-{letter}") for letter in "ABC"]


def released(name: ScreenId, client: ClientId, look: int, release: int) -> ReleasedScreen:
    return ReleasedScreen(name, client, Sha256(f"{look:064x}"), ByteSize(100 + look), CommitId(f"{release:040x}"), release)


def one(name: ScreenId) -> st.SearchStrategy[ReleasedScreen]:
    numbers = st.integers(0, 3)
    return st.builds(released, st.just(name), st.sampled_from(_CLIENTS), numbers, numbers)


fleets: st.SearchStrategy[Fleet] = st.sets(st.sampled_from(_NAMES)).flatmap(
    lambda names: st.fixed_dictionaries({name: one(name) for name in sorted(names)})
)


def unlike(old: Mapping[ScreenId, ReleasedScreen], new: Mapping[ScreenId, ReleasedScreen]) -> set[ScreenId]:
    """The screens whose manifest or place differs, by looking at each of them."""
    sides = {name: (old.get(name), new.get(name)) for name in old.keys() | new.keys()}
    return {name for name, (a, b) in sides.items() if (a and (a.digest, a.client)) != (b and (b.digest, b.client))}


@given(fleets)
def test_a_roster_is_the_mapping_that_it_was_made_of(fleet: Fleet) -> None:
    roster = Roster.of(fleet)
    assert dict(roster) == fleet
    assert list(roster) == list(roster.keys()) == sorted(fleet)
    assert list(roster.values()) == [fleet[name] for name in sorted(fleet)]
    assert len(roster) == len(fleet)
    assert [name in roster for name in _NAMES] == [name in fleet for name in _NAMES]
    assert roster.counts == {
        client: count for client in _CLIENTS if (count := sum(one.client == client for one in fleet.values()))
    }
    assert Roster.of(roster) is roster


@given(fleets, fleets)
def test_what_differs_is_among_the_parts_that_differ_whatever_the_sides_are_made_of(old: Fleet, new: Fleet) -> None:
    for before in (old, Roster.of(old)):
        for after in (new, Roster.of(new)):
            olds, news = differing(before, after)
            assert olds.items() <= old.items()
            assert news.items() <= new.items()
            assert unlike(olds, news) == unlike(old, new)


@given(fleets)
def test_of_equal_parts_no_screen_is_made(fleet: Fleet) -> None:
    def never() -> list[ReleasedScreen]:
        raise AssertionError("made")

    roster = Roster({client: Part(part.names, part.digests, never) for client, part in Roster.of(fleet).parts.items()})
    assert differing(roster, Roster.of(fleet)) == ({}, {})
    assert len(roster) == len(fleet)


@given(fleets, st.data())
def test_changes_make_the_roster_that_the_changed_mapping_is(fleet: Fleet, data: st.DataObject) -> None:
    names = data.draw(st.sets(st.sampled_from(_NAMES)))
    changes = {name: data.draw(st.none() | one(name)) for name in sorted(names)}
    wanted = {name: one for name, one in {**fleet, **changes}.items() if one is not None}
    made = Roster.of(fleet).with_changes(changes)
    assert dict(made) == wanted
    assert {client: (part.names, part.digests) for client, part in made.parts.items()} == {
        client: (part.names, part.digests) for client, part in Roster.of(wanted).parts.items()
    }
    assert dict(Roster.of(fleet)) == fleet


@given(fleets, fleets)
def test_what_is_remembered_of_a_release_is_that_release(fleet: Fleet, changes: Fleet) -> None:
    spelt = spell_roster(Roster.of(fleet))
    read = read_roster(spelt)
    assert read is not None
    assert dict(read) == fleet
    assert spell_roster(read) == spelt
    altered = read_roster(spell_roster(read.with_changes(changes)))
    assert altered is not None
    assert dict(altered) == {**fleet, **changes}


@given(fleets.map(lambda fleet: spell_roster(Roster.of(fleet))), st.binary(max_size=9))
def test_what_another_version_remembered_is_not_taken_for_a_release(spelt: bytes, more: bytes) -> None:
    assert read_roster(spelt + b"x" + more) is None
    assert read_roster(more) is None
    assert read_roster(b'{"another": "form"}\n' + spelt) is None
