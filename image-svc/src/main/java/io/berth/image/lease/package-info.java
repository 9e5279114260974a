/**
 * Leases: they keep what they list from the collector until they are deleted or expire. Clients
 * take one around every longer operation and drop it as soon as a name or a container holds the
 * result.
 */
@NullMarked
package io.berth.image.lease;

import org.jspecify.annotations.NullMarked;
