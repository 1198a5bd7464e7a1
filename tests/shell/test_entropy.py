"""Numbers from the pool are as many bits as asked for, and none is given out twice."""

import pytest

from dialerd.shell.entropy import POOL_BYTES, Entropy


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 9, 31, 64, 96, 128, POOL_BYTES * 8 + 3])
def test_width(bits):
    source = Entropy()
    found = [source.getrandbits(bits) for _ in range(200)]
    assert all(0 <= n < (1 << bits) for n in found)
    if bits >= 64:
        assert len(set(found)) == 200
    if bits:
        assert max(found).bit_length() > bits - 12


def test_every_bit_comes_up_both_ways_across_refills():
    source = Entropy()
    found = [source.getrandbits(64) for _ in range(POOL_BYTES)]  # eight pools
    assert len(set(found)) == len(found)
    for bit in range(64):
        ones = sum(n >> bit & 1 for n in found)
        assert POOL_BYTES * 0.4 < ones < POOL_BYTES * 0.6


def test_the_other_methods_draw_from_it():
    source = Entropy()
    assert 0 <= source.random() < 1
    assert sorted(source.sample(range(10), 10)) == list(range(10))
    with pytest.raises(ValueError, match="negative"):
        source.getrandbits(-1)
