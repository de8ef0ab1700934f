ferry_e2e(shapes FILES test_shapes.py)
