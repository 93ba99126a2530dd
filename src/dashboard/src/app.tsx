import { signal, useSignal, useSignalEffect } from '@preact/signals'
import type { FunctionComponent } from 'preact'
import { useEffect } from 'preact/hooks'
import { ApiError, ConnectionError } from './api'
import { help, useCommands } from './keyboard'
import { startLive, live } from './live'
import { shortcuts, theme, wasMember, zoneChoice } from './preferences'
import { askOrganization, base, connected, loadOrganization, loadProfile, may, organization, profile, screen, signOut, signedOut, visiting } from './session'
import { go, href } from './router'
import { Chats } from './screens/chats'
import { loadEarly } from './screens/chats/list'
import { SignIn, SignInAgain } from './screens/sign-in'
import { t } from './text'
import { zone } from './time'
import { Dialog, Empty, Failure, Menu, Skeleton } from './ui/basics'
import { Icon, type IconName } from './ui/icons'
import { useHealing } from './ui/resource'

type Screen = { name: string; title: string; icon: IconName; shown: () => boolean; load: () => Promise<{ default: FunctionComponent }> }

// What is not shown at first is loaded when it is opened.
const lazy: Screen[] = [
  {
    name: 'overview',
    title: t.screens.overview,
    icon: 'overview',
    shown: () => may.analyse.value,
    load: () => import('./screens/overview'),
  },
  {
    name: 'exports',
    title: t.screens.exports,
    icon: 'exports',
    shown: () => may.administrate.value,
    load: () => import('./screens/exports'),
  },
  { name: 'settings', title: t.screens.settings, icon: 'settings', shown: () => true, load: () => import('./screens/settings') },
]
const organizations: Screen = {
  name: 'organizations',
  title: t.screens.organizations,
  icon: 'organizations',
  shown: () => profile.value?.role === 'superadmin',
  load: () => import('./screens/organizations'),
}

const failure = signal<Error | null>(null)
const loaded = signal<Record<string, FunctionComponent>>({})

/** Asks for what the page begins with: all of it at once where a member was signed in before, else first who it is. */
export async function start(): Promise<void> {
  failure.value = null
  try {
    const early = wasMember.value && visiting.value === null
    const loadsChats = () => (screen.value[0] ?? 'chats') === 'chats'
    const organization = early ? askOrganization() : undefined
    const page = early && loadsChats() ? loadEarly() : undefined
    await loadProfile(organization, page)
    if (profile.value?.role === 'superadmin' && visiting.value === null && screen.value[0] !== 'settings')
      go(href(['organizations']), { replace: true })
    if (!early && inOrganization() && loadsChats()) void loadEarly()
    await loadOrganization(organization)
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) failure.value = error as Error
  }
}

export function App() {
  // The organization that a superadmin steps into.
  useSignalEffect(() => {
    if (visiting.value !== (organization.peek()?.slug ?? null) && profile.peek()?.role === 'superadmin') {
      organization.value = null
      loadOrganization().catch((error: Error) => (failure.value = error))
    }
  })

  if (!profile.value) {
    if (signedOut.value) return <SignIn done={start} />
    return (
      <main class="starting">{failure.value ? <Failure error={failure.value} retry={() => void start()} /> : <Skeleton rows={4} />}</main>
    )
  }
  return (
    <>
      <Shell />
      {signedOut.value && <SignInAgain />}
      {help.value && <Shortcuts />}
    </>
  )
}

const inOrganization = () => profile.value?.org != null || visiting.value !== null

function Shell() {
  const screens: Screen[] = [
    ...(visiting.value === null ? [organizations] : []),
    ...(inOrganization()
      ? [
          { name: 'chats', title: t.screens.chats, icon: 'chats' as const, shown: () => true, load: () => Promise.reject(new Error()) },
          ...lazy,
        ]
      : lazy.filter(({ name }) => name === 'settings')),
  ].filter(({ shown }) => shown())
  const name = screen.value[0] ?? 'chats'
  const to = (target: string) => go(href([...base.value, target]))
  useCommands({
    '?': () => (help.value = true),
    'g c': () => to('chats'),
    'g o': () => to('overview'),
    'g e': () => to('exports'),
    'g s': () => to('settings'),
  })
  useEffect(() => {
    if (inOrganization()) return startLive()
    return undefined
  }, [visiting.value, profile.value?.id])
  const current = screens.find(each => each.name === name)
  document.title = `${current?.title ?? t.product} · ${organization.value?.name ?? t.product}`

  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={event => (event.preventDefault(), document.getElementById('content')?.focus())}>
        {t.skip}
      </a>
      <header class="top">
        <div class="mark" aria-hidden="true" />
        <strong class="organization" dir="auto">
          {organization.value?.name ?? t.product}
        </strong>
        <span class="spacer" />
        {!connected.value ? (
          <span class="status warning" role="status">
            <Icon name="offline" />
            <span>{t.offline}</span>
          </span>
        ) : (
          inOrganization() && (
            <span class={`status ${live.value ? 'live' : ''}`} title={live.value ? t.live : t.notLive}>
              <i aria-hidden="true" />
              <span class="visually-hidden">{live.value ? t.live : t.notLive}</span>
            </span>
          )
        )}
        <span class="zone" title={t.account.zone}>
          {organization.value || !inOrganization() ? zone.value : ''}
        </span>
        <Account />
      </header>
      <nav class="rail" aria-label={t.navigation}>
        {screens.map(each => (
          <a key={each.name} href={href([...base.value, each.name])} aria-current={each.name === name ? 'page' : undefined}>
            <Icon name={each.icon} size={20} />
            <span>{each.title}</span>
          </a>
        ))}
      </nav>
      {visiting.value !== null && (
        <aside class="banner" aria-label={t.screens.organizations}>
          <Icon name="info" />
          <span>{t.visiting(organization.value?.name ?? visiting.value)}</span>
          <a href={href(['organizations'])}>{t.leave}</a>
        </aside>
      )}
      <main id="content" tabIndex={-1}>
        {failure.value ? (
          <Failure error={failure.value} retry={() => void start()} />
        ) : inOrganization() && !organization.value ? (
          <Skeleton rows={6} />
        ) : !current ? (
          <Empty icon="info" title={t.notFound} heading="h1" />
        ) : name === 'chats' ? (
          <Chats key={visiting.value ?? ''} />
        ) : (
          <Lazy key={`${visiting.value} ${name}`} screen={current} />
        )}
      </main>
    </div>
  )
}

function Lazy({ screen }: { screen: Screen }) {
  const failure = useSignal<Error | null>(null)
  const Loaded = loaded.value[screen.name]
  const load = async (isRetry: boolean) => {
    try {
      const module = await screen.load()
      loaded.value = { ...loaded.value, [screen.name]: module.default }
    } catch {
      // The files of a build that was replaced are gone; the page, loaded anew, names others.
      if (
        isRetry &&
        (await loadProfile().then(
          () => true,
          () => false,
        ))
      )
        location.reload()
      failure.value = new ConnectionError()
    }
  }
  useEffect(() => void (Loaded || load(false)), [])
  useHealing(failure, () => void load(true))
  if (Loaded) return <Loaded />
  return failure.value ? <Failure error={failure.value} retry={() => void load(true)} /> : <Skeleton rows={6} />
}

function Choice<T extends string>({ label, value, options }: { label: string; value: { value: T }; options: Record<T, string> }) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {(Object.keys(options) as T[]).map(option => (
        <label key={option}>
          <input type="radio" name={label} checked={value.value === option} onChange={() => (value.value = option)} />
          <span>{options[option]}</span>
        </label>
      ))}
    </fieldset>
  )
}

const Account = () => (
  <Menu label={t.account.menu} icon="user">
    <p class="who">
      <strong dir="auto">{profile.value!.name ?? profile.value!.email}</strong>
      <span>{t.roles[profile.value!.role]}</span>
    </p>
    <Choice label={t.account.theme} value={theme} options={t.account.themes} />
    <Choice label={t.account.zone} value={zoneChoice} options={t.account.zones} />
    <Choice label={t.account.shortcuts} value={shortcuts} options={t.account.switches} />
    <hr />
    <a href={href([...base.value, 'settings', 'profile'])}>
      <Icon name="settings" /> {t.account.profile}
    </a>
    <button type="button" onClick={() => (help.value = true)}>
      <Icon name="help" /> {t.account.shortcuts}
    </button>
    <button type="button" onClick={() => void signOut()}>
      <Icon name="out" /> {t.account.signOut}
    </button>
  </Menu>
)

const Shortcuts = () => (
  <Dialog title={t.keys.title} close={() => (help.value = false)}>
    <dl class="keys">
      {(
        [
          ['/', t.keys.search],
          ['j k', t.keys.move],
          ['Enter', t.keys.open],
          ['Esc', t.keys.back],
          ['x', t.keys.compare],
          ['g c  g o  g e  g s', t.keys.goto],
          ['?', t.keys.help],
        ] as const
      ).map(([key, what]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  </Dialog>
)
