package io.berth.network.endpoint;

import io.berth.network.link.Cabling;
import io.berth.network.link.HostNetwork;
import io.berth.network.nat.NatTable;
import io.berth.network.port.SocketKeeper;
import java.time.InstantSource;

/** What a started engine consists of, for those who attach, detach and repair. */
record EngineParts(
    HostNetwork host,
    NetworkSettings settings,
    NetworkStore store,
    EndpointIndex endpoints,
    Networks networks,
    NatTable nat,
    Cabling cabling,
    PublishedPorts published,
    SocketKeeper keeper,
    InstantSource clock) {}
