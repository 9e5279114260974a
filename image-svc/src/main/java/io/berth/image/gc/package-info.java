/**
 * The collector: what no name, lease, container or root label leads to is deleted.
 *
 * <p>Roots are read in this order: leases, then containers (of which containerd-svc knows), then
 * everything else inside the change that deletes. A client makes its container and only then drops
 * its lease, so it is seen in one of the two; what leases lose in between, and what is made in
 * between, counts as kept. If containerd-svc does not answer, nothing is deleted.
 */
@NullMarked
package io.berth.image.gc;

import org.jspecify.annotations.NullMarked;
