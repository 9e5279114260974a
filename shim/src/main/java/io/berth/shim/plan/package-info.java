/**
 * From a specification to a plan: which steps, in which order, make a process what the document
 * says.
 *
 * <p>{@link io.berth.shim.plan.InitPlan} and {@link io.berth.shim.plan.ExecPlan} are functions from
 * values to a list of {@link io.berth.linux.supervisor.Step}s, which {@link
 * io.berth.linux.supervisor.LaunchPlan} encodes. What a step needs open is named by a {@link
 * io.berth.linux.supervisor.Handle} and opened only then. So a plan can be made, printed and
 * compared without a container: {@code berth-shim --print-plan BUNDLE}.
 *
 * <p>The kernel demands the order. A process joins its cgroups before it makes its cgroup
 * namespace, whose root is where the process stands at that moment (cgroup_namespaces(7)), and
 * cgroup file systems are mounted after that. Hooks of the machine's side see the namespaces but
 * not yet the new root. What needs privileges comes before they are given up. The program is looked
 * up with the rights of the user who will run it, and a filter that would forbid the rest is loaded
 * last where loading it is still allowed then.
 *
 * <p>The classes are pure: they open no files and start no threads.
 */
@NullMarked
package io.berth.shim.plan;

import org.jspecify.annotations.NullMarked;
