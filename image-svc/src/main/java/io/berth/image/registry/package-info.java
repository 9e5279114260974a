/**
 * Registries (OCI distribution-spec 1.1): resolving, fetching and pushing over HTTP.
 *
 * <p>Everything that a registry says is checked: a manifest against the digest that was asked for
 * or told, a blob against the digest and size of its descriptor. What breaks off is gone on with
 * where the registry can; what is wrong is thrown away. Credentials go to the registry's own host,
 * and to the token service that it names, nowhere else.
 */
@NullMarked
package io.berth.image.registry;

import org.jspecify.annotations.NullMarked;
