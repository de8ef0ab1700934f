ferry_e2e(lifecycle FILES test_lifecycle_roots.py test_lifecycle_heir.py
	test_lifecycle_time.py test_lifecycle_tiers.py)
