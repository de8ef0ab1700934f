ferry_e2e(told FILES test_told.py)
