"""The table of topics is the least privilege that works."""

from schemas.topics import BY_NAME, DEAD_LETTERS, HANDLERS, LIVE, POLICE, POLICE_IMAGES, TOPICS, User

RAW = [t for t in TOPICS if t.name.startswith("anpr.")]


def test_the_police_read_only_what_was_disclosed_to_them():
    assert {t for t in TOPICS if User.POLICE in t.readers} == {POLICE, POLICE_IMAGES}


def test_only_the_gate_writes_to_the_police():
    assert POLICE.writers == POLICE_IMAGES.writers == {User.ENFORCEMENT}


def test_cameras_read_nothing():
    assert not [t for t in TOPICS if User.CAMERAS in t.readers]


def test_nobody_but_the_gate_writes_evidence():
    assert BY_NAME["oversight.audit"].writers == {User.ENFORCEMENT}


def test_raw_topics_are_closed_to_the_police_in_both_directions():
    assert not [t for t in RAW if User.POLICE in t.readers | t.writers]


def test_every_live_topic_has_a_handler_that_may_read_it_and_a_dead_letter_topic():
    assert set(HANDLERS) == set(LIVE)
    for topic, user in HANDLERS.items():
        assert user in topic.readers
        assert BY_NAME[topic.dlq].writers == {user}
    assert len(DEAD_LETTERS) == len(LIVE)
