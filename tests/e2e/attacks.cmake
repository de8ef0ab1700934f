ferry_e2e(attacks FILES test_attacks.py)
