ferry_e2e(hub FILES test_hub.py)
