ferry_e2e(z2m FILES test_z2m.py)
ferry_e2e(z2m_house FILES test_z2m_house.py)
ferry_e2e(z2m_broker FILES test_z2m_broker.py)
set_tests_properties(e2e.z2m e2e.z2m_house PROPERTIES TIMEOUT 1200)
