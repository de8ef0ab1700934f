ferry_e2e(sim FILES test_sim.py)
