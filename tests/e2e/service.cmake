ferry_e2e(service FILES test_service.py)
