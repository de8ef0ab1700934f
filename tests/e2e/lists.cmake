ferry_e2e(lists FILES test_lists.py)
