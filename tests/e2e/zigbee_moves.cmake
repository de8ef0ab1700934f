ferry_e2e(zigbee_moves FILES test_zigbee_moves.py)
