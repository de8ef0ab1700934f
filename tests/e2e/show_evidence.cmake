ferry_e2e(show_evidence FILES test_show_evidence.py)
