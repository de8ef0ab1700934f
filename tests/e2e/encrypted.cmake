ferry_e2e(encrypted FILES test_encrypted.py)
