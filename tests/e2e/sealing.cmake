ferry_e2e(sealing FILES test_sealing.py)
