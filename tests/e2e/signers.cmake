ferry_e2e(signers FILES test_signers.py)
