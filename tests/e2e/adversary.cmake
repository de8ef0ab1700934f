ferry_e2e(adversary FILES test_adversary.py)
