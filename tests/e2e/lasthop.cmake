ferry_e2e(lasthop FILES test_lasthop.py)
