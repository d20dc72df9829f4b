"""How sources fare, by what came of each in each hour of event time: which are silent, publish more or less than they
use to, or have changed what they send. Pure."""
