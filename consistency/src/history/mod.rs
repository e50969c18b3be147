//! What happened: recorded histories, the anomalies in them and the level that they reach.
