"""Why a model says what it says: coefficients, partial effects, importance.

Four questions, and none stands for another. Reasons say what moves the risk of one
truce away from that of a typical one of its age. Coefficients say what a fitted formula
holds; partial effects say what the risk does as one column moves, by whatever model;
importance says what a family of features is worth on forecasts that the model did not
see. None of them says what would happen if somebody changed a column: a truce with
talks differs from one without in more than talks.
"""
