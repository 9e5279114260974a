package io.berth.network.nat;

import io.berth.linux.net.Bytes;
import io.berth.linux.net.Ipv4;
import io.berth.linux.net.NftTransaction.Element;
import io.berth.network.port.PublishedPort;

/** A published port and the address of the container that it leads to. */
public record Publication(PublishedPort port, Ipv4 container) {
  /** The entry of the map that it is in. */
  Element element() {
    byte[] protocol = Bytes.protocol(port.protocol().number());
    byte[] number = Bytes.port(port.hostPort());
    Bytes key =
        port.hostIp().equals(Ipv4.ANY)
            ? Bytes.fields(protocol, number)
            : Bytes.fields(protocol, Bytes.address(port.hostIp()), number);
    return new Element(
        key, Bytes.fields(Bytes.address(container), Bytes.port(port.containerPort())));
  }
}
