ferry_e2e(revocation FILES test_revocation.py)
