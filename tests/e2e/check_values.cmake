ferry_e2e(check_values FILES test_check_values.py)
