ferry_e2e(drivers FILES test_drivers.py)
