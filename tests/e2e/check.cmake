ferry_e2e(check FILES test_check.py)
ferry_e2e(check_secrets FILES test_check_secrets.py)
