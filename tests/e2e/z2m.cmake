ferry_e2e(z2m FILES test_z2m.py)
set_tests_properties(e2e.z2m PROPERTIES TIMEOUT 1200)
