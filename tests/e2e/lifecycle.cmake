ferry_e2e(lifecycle_roots FILES test_lifecycle_roots.py)
