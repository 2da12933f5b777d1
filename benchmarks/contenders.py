"""Atalaya's models and their peers, with what is chosen for each peer on held-out training events.

The start of a search is the value in the method's paper or package, or one that was good on held-out training events of
MovieLens 100K.
"""

import math

from benchmarks.contender import Contender, Grid

PEERS = "benchmarks.peers"
_DIMENSION = Grid((16, 32, 64, 128, 256), 64)
_EASE = {"regularization": Grid((20.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0), 200.0)}
_KNN = {"shrinkage": Grid((0.0, 3.0, 10.0, 30.0, 100.0, 300.0), 10.0), "neighbours": Grid((10, 20, 50, 100), 50)}
_RECENCY = {"share": Grid((*(0.5**halvings for halvings in range(12, -1, -1)), math.inf), 0.5**6)}
_TRANSITIONS = {"memory": Grid((1, 2, 5, 10, 20), 1), "window": Grid((1, 2, 5, 10, 20), 1)}
_IALS = {
    "unobserved": Grid((0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0), 4.0),
    "regularization": Grid((0.0015, 0.004, 0.015, 0.04, 0.1), 0.015),
    "dimension": _DIMENSION,
}
_ALS = {
    "alpha": Grid((1.0, 2.0, 5.0, 15.0, 40.0, 100.0), 2.0),
    "regularization": Grid((0.1, 0.5, 2.0, 6.0, 20.0, 60.0), 20.0),
    "dimension": _DIMENSION,
}
_BPR = {
    "learning_rate": Grid((0.003, 0.01, 0.03, 0.1), 0.01),
    "epochs": Grid((25, 50, 100, 200, 400), 100),
    "regularization": Grid((0.001, 0.003, 0.01, 0.03, 0.1), 0.01),
    "dimension": _DIMENSION,
}
_SVD = {
    "regularization": Grid((0.02, 0.05, 0.1, 0.15), 0.02),
    "epochs": Grid((20, 40, 60, 100), 20),
    "dimension": Grid((20, 50, 100, 200), 100),
}
_SURPRISE_KNN = {"neighbours": Grid((20, 40, 80), 40), "shrinkage": Grid((30, 100, 300), 100)}
_MYFM = {"dimension": Grid((5, 10, 20, 32), 10), "iterations": Grid((100, 300, 500), 300)}

CONTENDERS = (
    Contender("popularity", "retrieval", f"{PEERS}.baselines:popularity", deterministic=True),
    Contender("recency-popularity", "retrieval", f"{PEERS}.baselines:recency_popularity", ("times",), _RECENCY, True),
    Contender("transitions", "retrieval", f"{PEERS}.transitions:fit", ("order",), _TRANSITIONS, True),
    Contender("item-knn", "retrieval", f"{PEERS}.baselines:item_knn", (), _KNN, True),
    Contender("ease", "retrieval", f"{PEERS}.baselines:ease", (), _EASE, True),
    Contender("ials", "retrieval", f"{PEERS}.ials:fit", (), _IALS),
    Contender("implicit-als", "retrieval", f"{PEERS}.implicit_library:als", (), _ALS),
    Contender("implicit-bpr", "retrieval", f"{PEERS}.implicit_library:bpr", (), _BPR),
    Contender("tutorial-retrieval", "retrieval", f"{PEERS}.tfrs_tutorials:retrieval", movielens=True),
    Contender(
        "atalaya-retrieval", "retrieval", "benchmarks.atalaya:fit_retrieval", ("times", "order", "content"), ours=True
    ),
    Contender("biases", "rating", f"{PEERS}.baselines:biases", ("ratings",), deterministic=True),
    Contender("surprise-svd", "rating", f"{PEERS}.surprise_library:svd", ("ratings",), _SVD),
    Contender("surprise-knn", "rating", f"{PEERS}.surprise_library:knn_baseline", ("ratings",), _SURPRISE_KNN, True),
    Contender("myfm", "rating", f"{PEERS}.myfm_library:one_hot", ("ratings",), _MYFM),
    Contender("myfm-implicit", "rating", f"{PEERS}.myfm_library:implicit_features", ("ratings",), _MYFM),
    Contender("tutorial-rating", "rating", f"{PEERS}.tfrs_tutorials:rating", ("ratings",), movielens=True),
    Contender("atalaya-rating", "rating", "benchmarks.atalaya:fit_rating", ("ratings", "times", "content"), ours=True),
)
