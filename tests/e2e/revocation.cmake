ferry_e2e(revocation FILES test_revocation.py)
ferry_e2e(revocation_ocsp FILES test_revocation_ocsp.py)
