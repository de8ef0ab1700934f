ferry_e2e(long_digests FILES test_long_digests.py)
