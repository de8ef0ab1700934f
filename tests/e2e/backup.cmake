ferry_e2e(backup FILES test_backup.py)
