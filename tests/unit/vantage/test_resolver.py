"""A name that is not resolved: the fault of the provider, or of the local resolver."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.config import Canary
from monitor.vantage.attribution import Vantage
from monitor.vantage.evidence import CheckResult
from monitor.vantage.origin import Origin, blind_spot, neutral_name
from monitor.vantage.resolver import Lookup, ResolverRecord
from probes._model import Endpoint, ErrorClass, Sample
from tests.unit.score.values import after
from tests.unit.vantage.values import SINGLE, P, spoke, unheard

GATEWAY = {"p:one": P, "p:two": P}
OFFLINE = [ErrorClass.VANTAGE_OFFLINE]
OWN = [ErrorClass.DNS]


def errors(samples: Sequence[Sample]) -> list[ErrorClass | None]:
    return [sample.error for sample in samples]


class Scene:
    """A vantage whose endpoints share one host, and whose resolver is looked at."""

    def __init__(self, origins: dict[str, Origin] = GATEWAY) -> None:
        self.vantage = Vantage(origins, (), ResolverRecord())

    def looked_up(
        self, began_s: float, result: CheckResult = CheckResult.HEARD, took_s: float | None = None
    ) -> list[object]:
        took_s = took_s if took_s is not None else 3.0 if result is CheckResult.SILENT else 0.02
        lookup = Lookup(began=after(began_s), ended=after(began_s + took_s), result=result)
        return list(errors(self.vantage.looked_up(lookup)))

    def fails(self, at_s: float, error: ErrorClass = ErrorClass.DNS) -> list[object]:
        """A probe is given up at this second, ten seconds after it began."""
        return list(errors(self.vantage.take(unheard(at_s, error=error), after(at_s))))

    def asks(self, at_s: float, result: CheckResult) -> list[object]:
        """What is done about a waiting sample when only the resolver can tell."""
        assert self.vantage.is_due(after(at_s))
        assert self.vantage.origins_to_check(after(at_s)) == ()
        return self.looked_up(at_s, result) + list(errors(self.vantage.take_checks([])))


def test_a_resolver_that_did_not_answer_meanwhile_excludes_the_failure_though_it_works_again() -> None:
    scene = Scene()
    scene.looked_up(1, CheckResult.SILENT)
    scene.looked_up(9.5)
    assert scene.fails(10) == OFFLINE


def test_a_resolver_that_answered_for_another_name_meanwhile_leaves_it_with_the_provider() -> None:
    scene = Scene()
    scene.looked_up(1)
    scene.looked_up(6)
    assert scene.fails(10) == OWN
    assert scene.vantage.online


@pytest.mark.parametrize(
    ("result", "ruling"), [(CheckResult.SILENT, OFFLINE), (CheckResult.HEARD, OWN), (CheckResult.NOTHING, OWN)]
)
def test_a_failure_beside_which_nothing_was_looked_up_waits_for_a_lookup(
    result: CheckResult, ruling: list[ErrorClass]
) -> None:
    scene = Scene()
    assert scene.fails(10) == []
    assert scene.asks(11, result) == ruling


def test_an_answer_from_before_the_failure_began_shows_nothing() -> None:
    scene = Scene()
    scene.looked_up(-0.5)
    assert scene.fails(10) == []


def test_a_lookup_under_way_decides_for_the_failures_that_wait_for_it() -> None:
    scene = Scene()
    assert scene.fails(10) == []
    assert scene.looked_up(8, CheckResult.SILENT) == OFFLINE


def test_the_outage_ends_with_the_first_answer() -> None:
    scene = Scene()
    scene.looked_up(1, CheckResult.SILENT)
    scene.fails(10)
    assert not scene.vantage.online
    scene.looked_up(15)
    assert scene.vantage.online


def test_a_failure_that_began_while_the_resolver_was_down_is_excused_though_it_came_later() -> None:
    scene = Scene()
    scene.looked_up(1, CheckResult.SILENT)
    scene.fails(10)
    scene.looked_up(11)
    assert scene.fails(14) == OFFLINE


def test_a_resolver_that_answers_for_the_providers_name_only_is_unreliable() -> None:
    """A closed network, in which neutral names are asked for in vain."""
    scene = Scene()
    for begin_s in (0, 5, 10):
        scene.looked_up(begin_s, CheckResult.SILENT)
        scene.vantage.take(spoke(begin_s + 2, "p:two"), after(begin_s + 2))
    assert scene.fails(40) == []
    assert scene.asks(41, CheckResult.SILENT) == OWN


def test_it_is_one_again_once_it_has_answered() -> None:
    scene = Scene()
    for begin_s in (0, 5, 10):
        scene.looked_up(begin_s, CheckResult.SILENT)
        scene.vantage.take(spoke(begin_s + 2, "p:two"), after(begin_s + 2))
    scene.looked_up(15)
    scene.looked_up(20, CheckResult.SILENT)
    assert scene.fails(28) == OFFLINE


def test_what_is_reached_by_address_or_refuses_to_connect_is_no_matter_of_names() -> None:
    scene = Scene({"p:one": SINGLE})
    scene.looked_up(1, CheckResult.SILENT)
    assert scene.fails(10, ErrorClass.CONNECT) == [ErrorClass.CONNECT]


def test_after_a_leap_of_the_clock_lookups_from_before_say_nothing() -> None:
    scene = Scene()
    scene.looked_up(1, CheckResult.SILENT)
    scene.vantage.clock_stepped(after(5))
    assert scene.fails(10) == []


def test_without_lookups_nothing_is_held() -> None:
    vantage = Vantage(GATEWAY)
    assert vantage.looked_up(Lookup(began=after(0), ended=after(1), result=CheckResult.HEARD)) == []
    assert errors(vantage.take(unheard(10, error=ErrorClass.DNS), after(10))) == OWN


def at(url: str, provider: str = "p") -> Endpoint:
    return Endpoint(id=f"{provider}:{url}", provider=provider, model="m", api="openai_chat", base_url=url)


GATE, OTHER, HERE = at("https://gate.example/v1"), at("https://other.example/v1", "q"), at("http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("endpoints", "canaries", "host"),
    [
        ([GATE], [], "gate.example"),
        ([GATE, at("https://gate.example/v2", "q"), HERE], [], "gate.example"),
        ([GATE, OTHER], [], None),
        ([GATE], [Canary(host="1.1.1.1", port=443)], None),
        ([HERE], [], None),
        ([], [], None),
    ],
)
def test_a_place_that_knows_one_host_only_has_a_blind_spot(
    endpoints: list[Endpoint], canaries: list[Canary], host: str | None
) -> None:
    assert blind_spot(endpoints, canaries) == host


def test_a_canary_by_name_is_what_is_looked_up_unless_it_is_the_providers_or_near() -> None:
    hosts = ("1.1.1.1", "router.lan", "gate.example", "example.com")
    canaries = [Canary(host=host, port=443) for host in hosts]
    assert neutral_name([GATE], canaries) == "example.com."
    assert neutral_name([GATE], canaries[:3]) is None
