ferry_e2e(lasthop FILES test_lasthop.py)
ferry_e2e(limits FILES test_limits.py)
