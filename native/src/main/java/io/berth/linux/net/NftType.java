package io.berth.linux.net;

/** What a field of a set's key or of a map's value is; several in a row make a concatenation. */
public enum NftType {
  IPV4_ADDRESS(7, 4),
  PROTOCOL(12, 1),
  PORT(13, 2),
  INTERFACE_NAME(41, 16);

  private static final int TYPE_BITS = 6;

  private final int number;
  private final int bytes;

  NftType(int number, int bytes) {
    this.number = number;
    this.bytes = bytes;
  }

  /** Bytes that fields take in a key: each stands in registers of four bytes. */
  static int length(NftType... fields) {
    int length = 0;
    for (NftType field : fields) {
      length += fields.length == 1 ? field.bytes : (field.bytes + 3) & ~3;
    }
    return length;
  }

  /** The number by which the nft program knows the fields. */
  static int number(NftType... fields) {
    int number = 0;
    for (NftType field : fields) {
      number = number << TYPE_BITS | field.number;
    }
    return number;
  }
}
