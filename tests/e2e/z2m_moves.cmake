ferry_e2e(z2m_moves FILES test_z2m_moves.py)
