ferry_e2e(troubles FILES test_troubles.py)
