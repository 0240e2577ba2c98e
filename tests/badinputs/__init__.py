"""The hundred bad inputs. The ids of the tests are the rows' numbers."""
