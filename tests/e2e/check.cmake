ferry_e2e(check FILES test_check.py)
