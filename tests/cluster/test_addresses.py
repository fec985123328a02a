"""What `--address` may be, before anything of Ray is imported."""

import pytest

from evolearn.cluster.addresses import ClusterError, check_address


@pytest.mark.parametrize(
    "address",
    [
        "local", "auto", "localhost:6379", "10.0.0.1:1", "head-0.my_cluster.svc:65535", "ray://head.:10001",
        "[::1]:6379", "ray://[fe80::1]:10001",
    ],
)  # fmt: skip
def test_addresses_are_taken(address):
    check_address(address)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("", "has no port"),
        ("somewhere", "has no port"),
        ("ray://host", "has no port"),
        ("localhost:", "has the port ''"),
        ("localhost:²", "has the port '²'"),
        ("localhost:٣", "has the port '٣'"),
        ("localhost:0", "has the port '0', which is not 1 .. 65535"),
        ("localhost:99999", "has the port '99999'"),
        ("localhost:" + "9" * 5000, "has the port '999"),
        ("localhost:-1", "has the port '-1'"),
        ("localhost:1_0", "has the port '1_0'"),
        ("localhost: 6379", "has the port ' 6379'"),
        ("localhost:6379\n", r"has the port '6379\n'"),
        (":6379", "has no host"),
        ("ray://:6379", "has no host"),
        ("local host:6379", "has the host 'local host'"),
        ("a\0b:6379", r"has the host 'a\x00b'"),
        ("a..b:6379", "has the host 'a..b'"),
        ("-a:6379", "has the host '-a'"),
        ("a" * 64 + ":6379", "has the host 'aaa"),
        ("häuser:6379", "has the host 'häuser'"),
        ("::1:6379", "has the host '::1', which is no name, IPv4 address, or IPv6 address in brackets"),
        ("[::g]:6379", "has the host '[::g]'"),
        ("http://host:1", "has the host 'http://host'"),
        ("user@host:1", "has the host 'user@host'"),
        ("LOCAL", "has no port"),
    ],
)
def test_what_is_no_address_is_refused_with_what_is_wrong(address, problem):
    with pytest.raises(ClusterError) as refused:
        check_address(address)
    assert problem in str(refused.value)
    assert str(refused.value).startswith("--address ")
    assert "must be local, auto, HOST:PORT" in str(refused.value)
    assert "\0" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600
