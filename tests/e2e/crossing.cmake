ferry_e2e(crossing FILES test_crossing.py)
ferry_e2e(quirks FILES test_quirks.py)
ferry_e2e(refusals FILES test_refusals.py)
ferry_e2e(operator FILES test_operator.py)
