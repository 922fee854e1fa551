"""Generators: what they depend on, what moves them on, what survives copying and pickling."""

import copy
import pickle

import fastinit
import numpy as np
import pytest
from fastinit import Generator


def draw(generator) -> bytes:
    return fastinit.uniform_(np.empty(100), generator=generator).tobytes()


def test_one_stream_a_fill_whatever_its_size():
    a, b = Generator(1), Generator(1)
    fastinit.normal_(np.empty(3), generator=a)
    fastinit.normal_(np.empty(100_000), generator=b)
    assert a == b and draw(a) == draw(b)
    assert a.get_state() == {"version": 1, "seed": 1, "stream": 2}


def test_the_key_is_seed_and_stream():
    generator = Generator(2**64 - 1).set_state({"version": 1, "seed": -1, "stream": 41})
    assert generator.initial_seed() == 2**64 - 1 and generator.get_state()["stream"] == 41
    assert draw(generator) != draw(generator)


def test_manual_seed_and_seed():
    generator = Generator(3)
    first = draw(generator)
    assert generator.manual_seed(3) is generator and draw(generator) == first
    fresh = generator.seed()
    assert generator.initial_seed() == fresh and generator == Generator(fresh)
    assert Generator().initial_seed() != Generator().initial_seed()
    assert Generator(-1) == Generator(2**64 - 1) == Generator(np.uint64(2**64 - 1))


def test_default_generator():
    assert fastinit.manual_seed(8) is fastinit.default_generator
    first = fastinit.normal_(np.empty(5))
    assert (first != fastinit.normal_(np.empty(5))).all()
    fastinit.manual_seed(8)
    assert (first == fastinit.normal_(np.empty(5))).all()
    assert (first == fastinit.normal_(np.empty(5), generator=Generator(8))).all()


def test_fold_in_depends_on_seed_and_name_alone():
    root = Generator(4)
    child = root.fold_in("fc1.weight")
    assert root == Generator(4)
    draw(root)
    assert root.fold_in("fc1.weight") == child
    others = [root.fold_in(name) for name in ("fc2.weight", "fc1.weight ", "", 0, 1, "1", -1, 2**63)]
    others += [Generator(5).fold_in("fc1.weight"), child.fold_in("fc1.weight"), root]
    assert len({g.initial_seed() for g in (child, *others)}) == 1 + len(others)
    assert Generator(4).fold_in("fc1.weight").initial_seed() == 13319623245742570163  # fixed with stream version 1


def test_spawn():
    root = Generator(6)
    children = root.spawn(3)
    assert root.get_state()["stream"] == 3
    more = root.spawn(2)
    seeds = {g.initial_seed() for g in (*children, *more, root)}
    assert len(seeds) == 6 and children[0] == Generator(6).spawn(1)[0]
    assert root.spawn(0) == []


def test_names_numbers_and_spawned_children_are_never_the_same():
    """Each kind of child has a domain of its own, even where what they are made of has the same bytes."""
    for number in range(4):
        root = Generator(6)
        name = number.to_bytes(8, "little").decode()
        spawned = root.spawn(number + 1)[number]
        seeds = {root.fold_in(number).initial_seed(), root.fold_in(name).initial_seed(), spawned.initial_seed()}
        assert len(seeds) == 3


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_copies_go_on_alone(again):
    generator = Generator(9)
    draw(generator)
    other = again(generator)
    assert other == generator and other is not generator
    first = draw(other)
    assert other != generator and draw(generator) == first


def test_state_of_another_version_is_refused():
    with pytest.raises(ValueError, match="version 2"):
        Generator(0).set_state({"version": 2, "seed": 0, "stream": 0})
    for bad in (None, {}, {"version": 1}, [1, 2, 3]):
        with pytest.raises(TypeError, match="get_state"):
            Generator(0).set_state(bad)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Generator(0))


@pytest.mark.parametrize("bad", [1.0, True, "1", None, -(2**63) - 1, 2**64])
def test_bad_seeds_and_names(bad):
    for call in (Generator(1).manual_seed, Generator(1).fold_in, fastinit.manual_seed):
        if isinstance(bad, str) and call.__name__ == "fold_in":
            continue
        before = fastinit.default_generator.get_state()
        with pytest.raises((TypeError, ValueError), match="give an integer"):
            call(bad)
        assert fastinit.default_generator.get_state() == before
    with pytest.raises(ValueError, match="n_children"):
        Generator(1).spawn(bad if not isinstance(bad, int) or isinstance(bad, bool) or bad < 0 else -1)


def test_numpys_seed_sequence_and_global_seed():
    sequence = np.random.SeedSequence(3)
    assert draw(sequence) == draw(sequence) != draw(np.random.SeedSequence(4))
    np.random.seed(0)
    first = draw(None)
    np.random.seed(0)
    assert draw(None) != first
